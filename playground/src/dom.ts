/** Elements of the page: found, and made. */

export function find<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E {
  const found = within.querySelector<E>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** `class`, `aria-…` and so on are attributes; what is false or undefined is left out. */
export function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  made.append(...children);
  return made;
}

export function button(text: string, act: () => unknown, attributes: Attributes = {}): HTMLButtonElement {
  const made = make("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", () => void act());
  return made;
}

/** A drawing that may be wider than the page: arrows scroll it. */
export const scrolled = (label: string): HTMLElement =>
  make("div", { class: "drawing", tabindex: 0, role: "region", "aria-label": label });

/** How long a sentence stands, in milliseconds. */
const standing = 10_000;
let fading: ReturnType<typeof setTimeout> | undefined;

/** A short sentence for everyone, also for those who hear the page. */
export function say(text: string): void {
  const said = find("#said");
  said.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => said.replaceChildren(), standing);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

let drawings = 0;

/** A picture that the compiler drew. Nothing of it may run, even if a name in a text got the better of the compiler. */
export function svgOf(text: string): SVGSVGElement {
  // The arrow's tip has a name of its own: that of a hidden picture is not drawn.
  const tip = `tip${drawings++}`;
  const own = text.replace('id="tip"', `id="${tip}"`).replaceAll("url(#tip)", `url(#${tip})`);
  const { documentElement } = new DOMParser().parseFromString(own, "image/svg+xml");
  for (const element of [documentElement, ...documentElement.querySelectorAll("*")]) {
    if (/^(script|foreignObject|iframe|a)$/i.test(element.localName)) element.remove();
    for (const { name } of [...element.attributes])
      if (/^on|href$/i.test(name)) element.removeAttribute(name);
  }
  return document.importNode(documentElement, true) as unknown as SVGSVGElement;
}

/** A table whose first column names its rows. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
): HTMLTableElement {
  const [head] = [heads.map((text) => make("th", { scope: "col" }, text))];
  const body = rows.map(([name, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell))),
  );
  return make(
    "table",
    {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
}
