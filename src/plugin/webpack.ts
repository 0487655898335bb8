/** `resnetc/webpack`: the plugin for webpack. */
import type { WebpackPluginInstance } from "webpack";
import type { PluginOptions } from "./request.ts";
import { unplugin } from "./unplugin.ts";

export type { ModelOptions, PluginOptions } from "./request.ts";

export const resnetc: (options?: PluginOptions) => WebpackPluginInstance = unplugin.webpack;
