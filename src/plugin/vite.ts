/** `resnetc/vite`: the plugin for Vite. */
import type { Plugin } from "vite";
import type { PluginOptions } from "./request.ts";
import { unplugin } from "./unplugin.ts";

export type { ModelOptions, PluginOptions } from "./request.ts";

export const resnetc: (options?: PluginOptions) => Plugin = unplugin.vite;
