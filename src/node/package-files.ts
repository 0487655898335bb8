/** Files that come with the package. This module stands where the bundled commands do: two folders below its root. */
export const packageFile = (path: string): URL => new URL(`../../${path}`, import.meta.url);
