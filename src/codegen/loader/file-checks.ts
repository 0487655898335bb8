/**
 * The part of a generated module that says what is wrong with a file it is to load, as text.
 */
export const fileChecksText = `function urlOf(what, source) {
  try {
    return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new Error(\`\${what} must be bytes or a URL, this is \${JSON.stringify(source)}.\`, { cause });
  }
}

/** A server that has no such file may answer with a page. */
const isPage = (head) =>
  /^\\s*<(!doctype|html)/i.test(new TextDecoder().decode(head.subarray(0, 100)));

/** Of another build, or damaged: who catches it may tell by the code. */
const misfit = (sentence) => Object.assign(new Error(sentence), { code: "other-build" });

/** \`head\`: how the file begins. */
function checkSize(what, found, size, head) {
  if (found === size) return;
  if (isPage(head)) {
    throw new Error(\`\${what} are an HTML page: the server answers with a page instead of the file.\`);
  }
  throw misfit(
    found > size
      ? \`\${what} have more than the \${size} bytes of this network: they belong to another build.\`
      : \`\${what} have \${found} bytes instead of \${size}: \` +
          "the file is cut off or belongs to another build.",
  );
}
`;
