/** `resnetc/esbuild`: the plugin for esbuild. */
import type { Plugin } from "esbuild";
import type { PluginOptions } from "./request.ts";
import { unplugin } from "./unplugin.ts";

export type { ModelOptions, PluginOptions } from "./request.ts";

export const resnetc: (options?: PluginOptions) => Plugin = unplugin.esbuild;
