/** A page for each .resnet file that pages speak of. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pageOf, repository, shownFolders } from "../.vitepress/links.mts";

// biome-ignore lint/style/noDefaultExport: VitePress takes the paths from it.
export default {
  watch: Object.keys(shownFolders).map((folder) => path.join(repository, folder, "*.resnet")),
  paths: () =>
    Object.keys(shownFolders).flatMap((folder) =>
      readdirSync(path.join(repository, folder))
        .filter((file) => file.endsWith(".resnet"))
        .map((name) => {
          const file = `${folder}/${name}`;
          const text = readFileSync(path.join(repository, file), "utf8");
          return {
            params: { name: pageOf(file), file },
            content: `# ${file}\n\n\`\`\`resnet\n${text}\`\`\`\n`,
          };
        }),
    ),
};
