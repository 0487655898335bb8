/**
 * `resnetc/client`: types of imports of .resnet files for whatever has none of its own, beside the file (x.d.resnet.ts).
 * A pattern has one star, so each query that is written has its own; a project declares what is not here in the same way.
 */
type ResnetModule = import("./build/node/network.js").NetworkModule;

declare module "*.resnet" {
  export const load: ResnetModule["load"];
}

declare module "*.resnet?inline" {
  export const load: ResnetModule["load"];
}

declare module "*.resnet?target=tfjs" {
  export const load: ResnetModule["load"];
}

declare module "*.resnet?precision=f16" {
  export const load: ResnetModule["load"];
}

declare module "*.resnet?precision=u8" {
  export const load: ResnetModule["load"];
}
