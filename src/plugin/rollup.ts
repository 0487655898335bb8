/** `resnetc/rollup`: the plugin for Rollup. */
import type { Plugin } from "rollup";
import type { PluginOptions } from "./request.ts";
import { unplugin } from "./unplugin.ts";

export type { ModelOptions, PluginOptions } from "./request.ts";

export const resnetc: (options?: PluginOptions) => Plugin = unplugin.rollup;
