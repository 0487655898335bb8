/** The playground: a text at one side, what the compiler makes of it at the other. */
import resnet50 from "../../examples/resnet50.resnet?raw";
import { CodeTab } from "./code-tab.ts";
import { CompareTab } from "./compare-tab.ts";
import { Compiler } from "./compiler.ts";
import { find, make, messageOf, say } from "./dom.ts";
import { Editor } from "./editor.ts";
import { prepareGallery } from "./gallery.ts";
import { PassesTab } from "./passes-tab.ts";
import { PictureTab } from "./picture-tab.ts";
import { showProblems } from "./problems.ts";
import { RunTab } from "./run-tab.ts";
import { fromHash, toHash } from "./share.ts";
import { TableTab } from "./table-tab.ts";
import { tabs } from "./tabs.ts";
import type { Page, Subject, View } from "./view.ts";

/** How long after a key the text is compiled, in milliseconds. */
const pause = 80;

const compiler = new Compiler();
const jobs = new Compiler();
const nets = find<HTMLSelectElement>("#net");
const given = fromHash(location.hash);

/** The last text without errors. */
let subject: Subject | undefined;
let active = "picture";
let timer: ReturnType<typeof setTimeout> | undefined;
/** What each tab showed last. */
const seen = new Map<string, Subject>();
/** The net that is wanted where the text has it. */
let wanted = given?.net;

const page: Page = {
  compiler,
  jobs,
  write(text, net) {
    wanted = net;
    editor.replace(text);
  },
  choose: (tab) => choose(tab),
};
const picture = new PictureTab(page);
const run = new RunTab(page, picture);
const views: Readonly<Record<string, View>> = {
  picture,
  table: new TableTab(),
  passes: new PassesTab(page),
  code: new CodeTab(page),
  run,
  compare: new CompareTab(page),
};

const editor = new Editor({
  parent: find("#editor"),
  label: "Network, as text",
  text: given?.text ?? resnet50,
  compiler,
  onChange: () => {
    clearTimeout(timer);
    timer = setTimeout(() => void check(), pause);
  },
});

async function check(): Promise<void> {
  const { text } = editor;
  try {
    const checked = await compiler.latest("check", { text, net: wanted });
    if (!checked || text !== editor.text) return;
    editor.show(checked.problems, text);
    showProblems(checked.problems, editor);
    listNets(checked.nets, checked.shown?.name);
    const { shown } = checked;
    find("#stale").hidden = shown !== undefined;
    if (!shown) return;
    subject = { text, net: shown.name, shown };
    document.title = `${shown.name} - resnetc playground`;
    refresh();
  } catch (error) {
    say(messageOf(error));
  }
}

function listNets(names: readonly string[], shown: string | undefined): void {
  if ([...nets.options].map(({ value }) => value).join() !== names.join())
    nets.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
  if (shown !== undefined) nets.value = shown;
}

function refresh(): void {
  if (!subject || seen.get(active) === subject) return;
  seen.set(active, subject);
  void views[active]?.show(subject);
}

const choose = tabs((name) => {
  active = name;
  refresh();
});

nets.addEventListener("change", () => {
  wanted = nets.value;
  void check();
});
find("#format").addEventListener("click", async () => {
  const { text } = editor;
  const changes = await compiler.ask("format", { text });
  editor.apply(changes, text);
  say(
    changes.length > 0
      ? "The text is formatted."
      : "The text is as it should be already, or has mistakes that come first.",
  );
});
find("#copy-link").addEventListener("click", async () => {
  history.replaceState(null, "", toHash({ text: editor.text, net: subject?.net }));
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is in the clipboard; the text is in the link.");
  } catch {
    say("The link is in the address bar; the text is in the link.");
  }
});
addEventListener("hashchange", () => {
  const found = fromHash(location.hash);
  if (found) page.write(found.text, found.net);
});
if (location.hash.startsWith("#spec=") && !given) say("The text of this link is damaged: it cannot be read.");
prepareGallery(page);

addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", async (event) => {
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  if (files[0].name.endsWith(".resnet")) return page.write(await files[0].text());
  choose("run");
  await run.drop(files);
});
void check();

if (import.meta.env.PROD && "serviceWorker" in navigator)
  navigator.serviceWorker.register("./service-worker.js").catch(() => {
    say("This page will need the network again: the browser keeps no files of it.");
  });
