/** `resnetc/rolldown`: the plugin for Rolldown. */
import type { Plugin } from "rolldown";
import type { PluginOptions } from "./request.ts";
import { unplugin } from "./unplugin.ts";

export type { ModelOptions, PluginOptions } from "./request.ts";

export const resnetc: (options?: PluginOptions) => Plugin = unplugin.rolldown;
