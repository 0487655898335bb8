/**
 * The site of the documentation: `npm run site:dev` shows it, `npm run site` writes it into docs/.vitepress/dist. SITE_BASE is the path
 * that it is served under, where that is not /.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { type DefaultTheme, defineConfig, type MarkdownOptions } from "vitepress";
import { copied, repository, siteLink, slugOf, textOf } from "./links.mts";

const base = process.env.SITE_BASE ?? "/";
const docs = path.join(repository, "docs");
const read = (file: string): string => readFileSync(path.join(repository, file), "utf8");
const grammar = JSON.parse(read("grammar/resnet.tmLanguage.json"));
const { description } = JSON.parse(read("package.json")) as { description: string };

/** A block and the shortcut around it. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#339af0" stroke-width="1.6"><path d="M5 0v4M5 9v6M5 2h5q3 0 3 3v3q0 3-3 3H5"/><rect x="1" y="4" width="8" height="5" rx="1" fill="#e7f5ff"/></svg>`;

type Markdown = Parameters<NonNullable<MarkdownOptions["config"]>>[0];
type Token = ReturnType<Markdown["parseInline"]>[number];

const guide: DefaultTheme.SidebarItem[] = [
  {
    text: "Learn",
    items: [
      { text: "The tour", link: "/tour" },
      { text: "Residual networks in ten files", link: "/ten-files/" },
      { text: "The language", link: "/language" },
      { text: "In your editor", link: "/editors" },
      { text: "What the compiler says", link: "/diagnostics/" },
    ],
  },
  {
    text: "Use",
    items: [
      { text: "In pages and programs", link: "/embedding" },
      { text: "With a bundler", link: "/bundlers" },
      { text: "TensorFlow.js back ends", link: "/backends" },
      { text: "Delivery", link: "/delivery" },
      { text: "Fewer bits", link: "/precision" },
      { text: "Detection", link: "/detection" },
      { text: "Beyond one page", link: "/scale" },
    ],
  },
  {
    text: "Look up",
    items: [
      { text: "Families", link: "/families" },
      { text: "Performance", link: "/performance" },
      { text: "Files", link: "/sources/" },
    ],
  },
];

/** The messages, under the headings of their list. */
const messages = (): DefaultTheme.SidebarItem[] =>
  read("docs/diagnostics/README.md")
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      text: part.split("\n")[0],
      collapsed: true,
      items: [...part.matchAll(/^- \[(.*?)\]\((.*?)\.md\)/gm)].map(([, text, file]) => ({
        text,
        link: `/diagnostics/${file}`,
      })),
    }));

// biome-ignore lint/style/noDefaultExport: VitePress reads its configuration from it.
export default defineConfig({
  base,
  title: "resnetc",
  description,
  lang: "en",
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  cleanUrls: false,
  rewrites: { "ten-files/README.md": "ten-files/index.md", "diagnostics/README.md": "diagnostics/index.md" },
  markdown: {
    // These two can be read by everybody.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    languages: [{ ...grammar, name: "resnet", aliases: ["resnet-error"] }],
    anchor: { slugify: slugOf },
    config: (md) => {
      md.core.ruler.push("links-of-the-repository", ({ tokens, env }) => {
        // Behind the language stand names of files, whose digits VitePress would take for lines to mark.
        for (const token of tokens.filter(({ type }) => type === "fence"))
          token.info = token.info.replace(/ .*/, "");
        // Titles are read without a page.
        if (env?.path === undefined) return;
        const from = textOf(path.relative(docs, env.path).replaceAll(path.sep, "/"));
        for (const { children } of tokens) rewriteLinks(children ?? [], from);
      });
    },
  },
  vite: {
    plugins: [
      {
        name: "files-as-they-are",
        configureServer: ({ middlewares }) => {
          middlewares.use((request, response, next) => {
            const file = copied.find((file) => request.url?.split("?")[0] === base + file);
            if (file === undefined) next();
            else response.end(read(file));
          });
        },
        generateBundle() {
          for (const file of copied) this.emitFile({ type: "asset", fileName: file, source: read(file) });
        },
      },
    ],
  },
  transformPageData: (page) => {
    const { relativePath, frontmatter, params } = page;
    // In the page itself GitHub would show it as a table.
    if (/^(ten-files|sources)\//.test(relativePath))
      Object.assign(frontmatter, { aside: false, pageClass: "wide" });
    if (params?.file) page.title = params.file;
  },
  themeConfig: {
    nav: [
      { text: "Tour", link: "/tour" },
      { text: "Ten files", link: "/ten-files/" },
      { text: "Language", link: "/language" },
      { text: "In pages", link: "/embedding" },
    ],
    sidebar: { "/": guide, "/diagnostics/": [...guide.slice(0, 1), ...messages()] },
    outline: { level: [2, 3] },
    search: { provider: "local" },
    footer: { message: "Apache-2.0" },
  },
});

function rewriteLinks(tokens: Token[], from: string): void {
  tokens.forEach((token, i) => {
    const written = token.type === "link_open" && token.attrGet("href");
    if (!written) return;
    const { href, isFile } = siteLink(decodeURI(written), from, base);
    if (href === undefined) {
      for (const end of [token, tokens.slice(i).find(({ type }) => type === "link_close")!]) end.tag = "span";
      Object.assign(token, { type: "span_open", attrs: null });
    } else token.attrSet("href", href);
    if (isFile) token.attrSet("target", "_self");
  });
}
