/**
 * tfjs modules import a package for each backend when it is asked for. Bundlers want them all, installed or not: what is
 * not there becomes what the import would be in Node, an error of that backend alone.
 */
import { createRequire } from "node:module";

export function withoutMissingPackages(text: string, importer: string): string {
  const { resolve } = createRequire(importer);
  const isThere = (name: string) => {
    try {
      resolve(name);
      return true;
    } catch (error) {
      // Packages that have no entry for require have one for import.
      return (error as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
    }
  };
  return text.replaceAll(/import\("(@tensorflow\/[^"]+|resnetc\/[^"]+)"\)/g, (whole, name: string) =>
    isThere(name) ? whole : `Promise.reject(new Error(${JSON.stringify(`${name} is not installed`)}))`,
  );
}
