/** Pictures next to each other in one. */

const gap = 8;

export function sideBySide(pictures: readonly string[]): string {
  const sizes = pictures.map((picture) => {
    const [, width, height] = /^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(picture) ?? [];
    return { width: Number(width), height: Number(height) };
  });
  const height = Math.max(...sizes.map((size) => size.height));
  let x = -gap;
  const parts = pictures.map((picture, i) => {
    x += gap;
    // Each has arrow heads of its own: names are the whole document's.
    const own = picture.replaceAll(/(?<=id="tip|#tip)(?=[")])/g, String(i));
    const placed = own.trimEnd().replace("<svg ", `<svg x="${x}" `);
    x += sizes[i].width;
    return placed;
  });
  const frame = `width="${x}" height="${height}" viewBox="0 0 ${x} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${frame} role="img">\n${parts.join("\n")}\n</svg>\n`;
}
