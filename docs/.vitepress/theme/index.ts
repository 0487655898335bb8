/** VitePress' own theme, and where pictures and tables stand. */
/// <reference types="vite/client" />
import theme from "vitepress/theme";
import "./style.css";

// biome-ignore lint/style/noDefaultExport: VitePress takes the theme from it.
export default theme;
