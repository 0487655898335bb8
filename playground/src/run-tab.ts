/** The net runs: on a photo, on every back end there is, and layer by layer. */
import {
  type Running,
  type RunningWasm,
  startTfjs,
  startWasm,
  tfjsBackends,
  type Values,
} from "./backends.ts";
import { takePhoto } from "./camera.ts";
import { CheckpointCard } from "./checkpoint-card.ts";
import { button, find, make, messageOf, say } from "./dom.ts";
import { flame } from "./flame.ts";
import type { PictureTab } from "./picture-tab.ts";
import { cardOf, fail, fill, measure } from "./results.ts";
import type { Page, Subject, View } from "./view.ts";

type Photo = Blob | HTMLCanvasElement;

/** A net that was built, from which text and with which weights. */
interface Started {
  readonly of: Subject;
  readonly trained: boolean;
  readonly wasm: RunningWasm;
  readonly others: Running[];
}

/** How long layers are measured, in milliseconds. */
const patience = 1500;
const mostRounds = 400;

export class RunTab implements View {
  readonly #page: Page;
  readonly #picture: PictureTab;
  readonly #weights: CheckpointCard;
  readonly #status = make("p", { role: "status" });
  readonly #photoHome = make("div", { class: "photo" });
  readonly #cameraHome = make("div", { class: "camera" });
  readonly #cards = make("div", { class: "cards" });
  readonly #times = make("div");
  readonly #again = button("Run", () => this.#run(), { class: "main" });
  readonly #profile = button("Measure its layers", () => this.#measureLayers());
  readonly #compares = make("input", { type: "checkbox", id: "compare-tfjs", checked: true });
  #subject: Subject | undefined;
  #photo: Photo | undefined;
  #started: Started | undefined;
  /** What is done is done in turn. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(page: Page, picture: PictureTab) {
    this.#page = page;
    this.#picture = picture;
    this.#weights = new CheckpointCard(page, () => {
      if (this.#photo) void this.#run();
    });
    const input = make("input", { type: "file", accept: "image/*", class: "file", id: "photo-file" });
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      if (file) void this.take(file);
    });
    const choose = make("label", { class: "button", for: "photo-file" }, "Choose a photo…");
    const compares = make("label", { for: "compare-tfjs" }, this.#compares, " also on TensorFlow.js");
    find("#run").append(
      this.#weights.element,
      make(
        "section",
        { "aria-label": "Photo" },
        make("h2", {}, "Photo"),
        make("p", { class: "muted" }, "Drop one anywhere in the page. Nothing is sent anywhere."),
        make(
          "div",
          { class: "bar" },
          input,
          choose,
          button("Camera", () => this.#fromCamera()),
        ),
        this.#cameraHome,
        this.#photoHome,
      ),
      make(
        "section",
        { "aria-label": "Results" },
        make("h2", {}, "Run"),
        make("div", { class: "bar" }, this.#again, compares, this.#profile),
        this.#status,
        this.#cards,
        this.#times,
      ),
    );
  }

  async show(subject: Subject): Promise<void> {
    this.#subject = subject;
    await this.#weights.show(subject);
    const { of } = this.#started ?? {};
    if (of && (of.text !== subject.text || of.net !== subject.net))
      this.#status.textContent = `These are results of ${of.shown.name} as it was before: run it again.`;
  }

  /** A file that was dropped: a photo is one, everything else a checkpoint. */
  async drop(files: readonly File[]): Promise<void> {
    const [first] = files;
    if (first?.type.startsWith("image/")) await this.take(first);
    else await this.#weights.load(files);
  }

  async take(photo: Photo): Promise<void> {
    try {
      const bitmap = await createImageBitmap(photo);
      const scale = Math.min(1, 240 / Math.max(bitmap.width, bitmap.height));
      const [width, height] = [bitmap.width, bitmap.height].map((side) =>
        Math.max(1, Math.round(side * scale)),
      );
      const canvas = make("canvas", { width, height, role: "img", "aria-label": "The photo" });
      canvas.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
      this.#photoHome.replaceChildren(canvas);
    } catch {
      say("This file is no picture that the browser knows.");
      return;
    }
    this.#photo = photo;
    await this.#run();
  }

  async #fromCamera(): Promise<void> {
    try {
      const photo = await takePhoto(this.#cameraHome);
      if (photo) await this.take(photo);
    } catch (error) {
      this.#cameraHome.replaceChildren(
        make("p", { class: "wrong" }, `There is no picture of the camera: ${messageOf(error)}`),
      );
    }
  }

  #run(): Promise<void> {
    return this.#inTurn(async () => {
      const { wasm, others, of } = await this.#start();
      const inputs = await this.#inputsOf(wasm);
      const first = cardOf("wasm");
      this.#cards.replaceChildren(first);
      const reference = await measure(wasm, inputs);
      fill(first, reference, wasm, wasm.note, undefined);
      if (this.#compares.checked) await this.#runOthers(of, wasm, others, inputs, reference.outputs);
      const madeUp = wasm.prepare
        ? "Done, on a made-up picture: choose a photo to see answers."
        : "Done, on made-up values: what this net takes is no single picture.";
      this.#say(this.#photo && wasm.prepare ? "Done." : madeUp);
    });
  }

  async #runOthers(
    of: Subject,
    wasm: RunningWasm,
    others: Running[],
    inputs: Values,
    reference: Values,
  ): Promise<void> {
    const cards = tfjsBackends.map((backend) => cardOf(`tfjs ${backend}`));
    this.#cards.append(...cards);
    let built: Awaited<ReturnType<RunTab["build"]>> | undefined;
    for (const [i, backend] of tfjsBackends.entries()) {
      this.#say(`Starting tfjs ${backend}…`);
      try {
        let net = others.find(({ name }) => name === `tfjs ${backend}`);
        if (!net) {
          built ??= await this.build(of, "tfjs");
          net = await startTfjs(built, backend);
          others.push(net);
        }
        fill(cards[i], await measure(net, inputs), wasm, net.note, reference);
      } catch (error) {
        fail(cards[i], messageOf(error));
      }
    }
  }

  #measureLayers(): Promise<void> {
    return this.#inTurn(async () => {
      const { wasm, of } = await this.#start();
      const inputs = await this.#inputsOf(wasm);
      this.#say("Measuring…");
      const { times, rounds } = await profile(wasm, inputs);
      const layers = await this.#page.jobs.ask("layers", { times });
      const byName = layers.map(({ name, ms }) => [name, ms] as const);
      const colour = button("Colour the picture by these times", async () => {
        this.#page.choose("picture");
        await this.#picture.colourBy(byName, of);
      });
      const heading = make("h3", {}, `Where the time goes, the mean of ${rounds} runs`);
      this.#times.replaceChildren(heading, flame(layers, of.shown.name), colour);
      this.#say("Measured.");
    });
  }

  /** What stands in the editor, built and started; what is started already is taken. */
  async #start(): Promise<Started> {
    const subject = this.#subject;
    if (!subject) throw new Error("The text has mistakes: mend them first.");
    const { trained } = this.#weights;
    const { of } = this.#started ?? {};
    const isSame = of?.text === subject.text && of?.net === subject.net && this.#started?.trained === trained;
    if (this.#started && isSame) return this.#started;
    this.#stop();
    this.#say(`Building ${subject.shown.name}…`);
    const wasm = await startWasm(await this.build(subject, "wasm"));
    this.#started = { of: subject, trained, wasm, others: [] };
    return this.#started;
  }

  build({ text, net }: Subject, target: "wasm" | "tfjs") {
    return this.#page.jobs.ask("build", { text, net, target, trained: this.#weights.trained });
  }

  #stop(): void {
    this.#started?.wasm.dispose();
    for (const net of this.#started?.others ?? []) net.dispose();
    this.#started = undefined;
    this.#cards.replaceChildren();
    this.#times.replaceChildren();
  }

  /** The photo as the net eats it; what is not zero and not the same everywhere, where there is none. */
  async #inputsOf({ prepare, info }: RunningWasm): Promise<Values> {
    const [first] = info.inputs;
    if (this.#photo && prepare) return { [first.name]: await prepare(this.#photo) };
    const madeUp = info.inputs.map(({ name, shape }) => {
      const length = shape.slice(1).reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length }, (_, i) => Math.sin(i * 0.37))];
    });
    return Object.fromEntries(madeUp);
  }

  #say(text: string): void {
    const { trained, of } = this.#started ?? {};
    const untrained = of && !trained ? " The weights are random: the answers mean nothing." : "";
    this.#status.textContent = text + untrained;
    this.#status.className = untrained ? "loud" : "";
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(async () => {
      this.#again.disabled = this.#profile.disabled = true;
      try {
        await work();
      } catch (error) {
        this.#status.textContent = messageOf(error);
        this.#status.className = "wrong";
      } finally {
        this.#again.disabled = this.#profile.disabled = false;
      }
    });
    this.#work = done;
    return done;
  }
}

/**
 * The mean of many runs, not the least of few: clocks of pages are coarse, so that a single short step takes nothing or a tenth
 * of a millisecond.
 */
async function profile(
  net: RunningWasm,
  inputs: Values,
): Promise<{ readonly times: readonly number[]; readonly rounds: number }> {
  await net.run(inputs);
  let sums: number[] = [];
  let rounds = 0;
  const start = performance.now();
  while (rounds < 3 || (rounds < mostRounds && performance.now() - start < patience)) {
    const times = await net.profile(inputs, 1);
    sums = times.map((ms, i) => ms + (sums[i] ?? 0));
    rounds++;
  }
  return { times: sums.map((sum) => sum / rounds), rounds };
}
