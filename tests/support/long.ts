/** Whether the largest networks are tested in every way too, which takes minutes: LONG=1, as .ci/long sets it. */
export const isLong = Boolean(process.env.LONG);
