/** What Vite adds: files by `?raw` and `?url`, `import.meta.glob`. */
/// <reference types="vite/client" />
