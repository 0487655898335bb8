/** `resnetc new`: a starter file, or with `--app` a project of a page around it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Arguments, Argv } from "yargs";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import type { Artifact } from "../../codegen/target.ts";
import { typesOf } from "../../node/build-file.ts";
import { whyNot } from "../../node/files.ts";
import { packageFile } from "../../node/package-files.ts";
import { typesFileOf, typesFileText } from "../../node/types-file.ts";
import { UsageError } from "../../node/usage-error.ts";
import { version } from "../../version.generated.ts";
import { writeArtifacts } from "../output.ts";
import { specFrom } from "../starters.ts";
import { print, printDiagnostics, printJson } from "../terminal.ts";

const apps = ["vite"] as const;

export const builder = (yargs: Argv) =>
  yargs
    .positional("name", {
      type: "string",
      demandOption: true,
      describe: "the file NAME.resnet, or the folder of the app",
    })
    .option("from", {
      type: "string",
      default: "resnet18",
      describe: "an example or a published network: resnet50, resnet20, timm:resnet50d",
    })
    .option("app", { choices: apps, describe: "a project with a page that classifies pictures" })
    .option("json", { type: "boolean", default: false, describe: "results as JSON on stdout" })
    .example("$0 new mine --from resnet50", "mine.resnet, to change")
    .example("$0 new cats --app vite", "then: cd cats && npm install && npm run dev");

type NewArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler({ name, from, app, json }: NewArguments): Promise<number> {
  if (name.trim() === "") throw new UsageError("new takes a name");
  return app === undefined ? newFile(name, from, json) : newApp(name, from, json);
}

async function newFile(given: string, from: string, json: boolean): Promise<number> {
  const file = given.endsWith(".resnet") ? given : `${given}.resnet`;
  const net = path.basename(file, ".resnet");
  if (existsSync(file)) throw new UsageError(`${file} is there already: choose another name, or remove it`);
  const text = specFrom(from, net);
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    printDiagnostics([makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) })]);
    return 1;
  }
  if (json) printJson({ command: "new", written: [file] });
  else
    print(
      [`wrote ${file}, from ${from}`, "", `  resnetc check ${file}`, `  resnetc build ${file}`].join("\n"),
    );
  return 0;
}

async function newApp(folder: string, from: string, json: boolean): Promise<number> {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new UsageError(`${folder} is there already, and not empty: choose another name`);
  const app = path.basename(path.resolve(folder));
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(app))
    throw new UsageError(`${app} is no name of a package: small letters, digits, . _ and -, such as my-cats`);
  const net = from.replace(/^.*:/, "").replaceAll(/\W/g, "_").toLowerCase();
  const spec = { path: `src/${net}.resnet`, contents: specFrom(from, net) };
  const types = await typesOf({ file: spec.path, text: spec.contents });
  if (!/\bclassify\(/.test(types))
    throw new UsageError(
      `--from ${from}: the page is for nets that take one picture and give its class, which this one does not`,
    );
  const fill = (text: string) =>
    text.replaceAll("__APP__", app).replaceAll("__NET__", net).replaceAll("__VERSION__", version);
  const files: Artifact[] = [
    ...templateFiles("vite").map(({ path: file, contents }) => ({ path: file, contents: fill(contents) })),
    spec,
    { path: typesFileOf(spec.path), contents: typesFileText(spec.path, types) },
  ];
  const unwritten = writeArtifacts(folder, files);
  if (unwritten) {
    printDiagnostics([unwritten]);
    return 1;
  }
  if (json)
    printJson({
      command: "new",
      written: files.map(({ path: file }) => path.join(folder, file).split(path.sep).join("/")),
    });
  else
    print(
      [
        `wrote ${folder}: a page around src/${net}.resnet, with random weights`,
        "",
        `  cd ${folder}`,
        "  npm install",
        "  npm run dev",
        "",
        `A checkpoint beside it, such as src/${net}.pth or .safetensors, is taken as it is.`,
      ].join("\n"),
    );
  return 0;
}

/** Texts with __WORDS__ to fill in. */
function templateFiles(app: (typeof apps)[number]): { readonly path: string; readonly contents: string }[] {
  const folder = packageFile(`templates/${app}/`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const name = path.relative(fileURLToPath(folder), file).split(path.sep).join("/");
      // npm would take a .gitignore out of the package.
      return { path: name.replace("_gitignore", ".gitignore"), contents: readFileSync(file, "utf8") };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
