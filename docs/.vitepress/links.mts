/**
 * Links of pages, which are written for the repository, as the site needs them. A page of docs is a page of the site; the files that pages
 * speak of have one too (sources/[name].md), so nothing points to where the repository may be hosted. A link to
 * anything else stops the build.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** Files that the site has as they are. */
export const copied = ["grammar/railroad.html", "grammar/resnet.ebnf", "grammar/resnet.tmLanguage.json"];

/** Folders whose .resnet files have pages, by the heading that they stand under. */
export const shownFolders: Readonly<Record<string, string>> = {
  "docs/ten-files": "Residual networks in ten files",
  examples: "Examples",
  zoo: "Published networks",
  "src/std": "The standard library",
};

/** zoo/timm.resnet has the page sources/zoo-timm. */
export const pageOf = (file: string): string =>
  `${path.posix.dirname(file).replace(/^(docs|src)\//, "")}-${path.posix.basename(file, ".resnet")}`;

/** What the site shows from elsewhere than docs: the place of the text, and that of its page. */
const included: Readonly<Record<string, string>> = {
  "grammar/README.md": "/language",
  grammar: "/language",
  "editors/README.md": "/editors",
};

/** Where the text of a page stands, by the page's place in docs. */
export const textOf = (page: string): string =>
  Object.keys(included).find((text) => `${included[text]}.md` === `/${page}`) ?? `docs/${page}`;

/** What pages speak of and the site does not have: the words stay, and are no link. */
const unlinked = ["editors/vscode"];

export interface SiteLink {
  /** Without one it is no link on the site. */
  readonly href?: string;
  /** Whether it is a file and no page, which VitePress shall leave alone. */
  readonly isFile?: boolean;
}

/** What a link of a page is on the site; `from` is the page's place in the repository. */
export function siteLink(href: string, from: string, base: string): SiteLink {
  if (/^([a-z]+:|#|\/)/i.test(href)) return { href };
  const [, file, rest] = /^([^#?]*)(.*)$/.exec(href)!;
  const target = path.posix.join(path.posix.dirname(from), file).replace(/\/$/, "");
  if (!existsSync(path.join(repository, target)))
    throw new Error(`${from}: a link to ${href}, and there is no ${target}`);
  if (copied.includes(target)) return { href: `${base}${target}`, isFile: true };
  if (unlinked.includes(target)) return {};
  if (target in included) return { href: included[target] + rest };
  if (target.endsWith(".resnet") && path.posix.dirname(target) in shownFolders)
    return { href: `/sources/${pageOf(target)}` };
  if (target in shownFolders) return { href: "/sources/" };
  if (target.startsWith("docs/") && target.endsWith(".md"))
    return { href: `/${target.slice("docs/".length).replace(/README\.md$/, "")}${rest}` };
  throw new Error(`${from}: the site has no page for ${target}; docs/.vitepress/links.mts says what it has`);
}

/** Headings have the addresses that they have on GitHub. */
export const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}_ -]/gu, "")
    .replaceAll(" ", "-");
