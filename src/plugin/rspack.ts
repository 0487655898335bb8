/** `resnetc/rspack`: the plugin for Rspack. */
import type { RspackPluginInstance } from "@rspack/core";
import type { PluginOptions } from "./request.ts";
import { unplugin } from "./unplugin.ts";

export type { ModelOptions, PluginOptions } from "./request.ts";

export const resnetc: (options?: PluginOptions) => RspackPluginInstance = unplugin.rspack;
