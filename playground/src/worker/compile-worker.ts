/** The compiler in a worker: takes questions (protocol.ts), answers each in turn. */
import type { Answer, Kind, Question, Questions } from "../protocol.ts";
import { build, layers } from "./build.ts";
import { check } from "./check.ts";
import { checkpoint, fit } from "./checkpoint.ts";
import { code } from "./code.ts";
import { compare } from "./compare.ts";
import { complete, format, hover } from "./editing.ts";
import { gallery, galleryText } from "./gallery.ts";
import { passes, picture } from "./views.ts";

type Answers = { readonly [K in Kind]: (ask: Questions[K]["ask"]) => Questions[K]["answer"] };

const answers: Answers = {
  ...{ check, picture, hover, complete, format, passes, code, compare },
  ...{ gallery, galleryText, checkpoint, fit, build, layers },
};

function answer<K extends Kind>({ id, kind, ask }: Question<K>): Answer {
  try {
    return { id, answer: answers[kind](ask) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Files that were built are given away, not copied. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const files = (value as { files?: Questions["build"]["answer"]["files"] } | undefined)?.files ?? [];
  return files.flatMap(({ contents }) => (typeof contents === "string" ? [] : [contents.buffer]));
}

self.onmessage = ({ data }: MessageEvent<Question>) => {
  const said = answer(data);
  self.postMessage(said, { transfer: "answer" in said ? buffersOf(said.answer) : [] });
};
