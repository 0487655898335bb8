/** The list of these files, for their index. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { pageOf, repository, shownFolders } from "../.vitepress/links.mts";

const listed = Object.entries(shownFolders).map(([folder, title]) => ({
  title,
  files: readdirSync(path.join(repository, folder))
    .filter((file) => file.endsWith(".resnet"))
    .map((name) => ({ file: `${folder}/${name}`, link: `/sources/${pageOf(`${folder}/${name}`)}.html` })),
}));

export declare const data: typeof listed;

// biome-ignore lint/style/noDefaultExport: VitePress takes the data from it.
export default { load: () => listed };
