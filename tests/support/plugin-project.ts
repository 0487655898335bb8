/** A project on disk for what bundlers do with .resnet files: CIFAR nets with trained weights where those are, and a picture. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PluginOptions } from "../../src/plugin/request.ts";
import { examplePath } from "./nets.ts";
import { png } from "./png.ts";
import { requireShared, sharedPath } from "./shared.ts";

const checkpoint = "models/cifar/resnet20-12fca82f.th";
const cat = "models/photos/chelsea_32.png";

/** Whether what nets say means something. */
export const trainedNet = requireShared(checkpoint) && requireShared(cat);

export interface Project {
  readonly folder: string;
  readonly photo: string;
  /** The options of the command line that say what lies beside the sources. */
  readonly weights: readonly string[];
  /** What is not trained is random on purpose. */
  readonly options: PluginOptions;
  write(file: string, text: string): void;
  remove(): void;
}

export function makeProject(files: Readonly<Record<string, string>>): Project {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-project-"));
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  };
  write("package.json", '{ "type": "module", "private": true }\n');
  for (const [file, text] of Object.entries(files)) write(file, text);
  const nets = path.join(folder, "src/nets");
  mkdirSync(nets, { recursive: true });
  copyFileSync(examplePath("cifar.resnet"), path.join(nets, "cifar.resnet"));
  const photo = path.join(folder, "photo.png");
  if (trainedNet) {
    copyFileSync(sharedPath(checkpoint), path.join(nets, "resnet20.th"));
    copyFileSync(sharedPath(cat), photo);
  } else {
    const rows = Array.from({ length: 32 }, (_, y) =>
      Array.from({ length: 96 }, (_, i) => (y * 37 + i * 11) % 256),
    );
    writeFileSync(photo, png({ width: 32, height: 32, colour: 2 }, rows));
  }
  return {
    folder,
    photo,
    weights: trainedNet ? ["--weights", path.join(nets, "resnet20.th")] : [],
    options: {
      types: false,
      models: {
        "labelled.resnet": { weights: "random" },
        ...(trainedNet ? {} : { "cifar.resnet": { weights: "random" } }),
      },
    },
    write,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
