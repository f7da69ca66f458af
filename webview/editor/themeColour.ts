import type { Colour } from './mask/colours.ts';

/**
 * Reports the theme's colour for masks, now and whenever the theme changes.
 * @param name one of `MASK_COLOURS`
 * @returns chooses another
 */
export function watchMaskColour(name: string, tell: (colour: Colour) => void): (name: string) => void {
  const probe = document.createElement('span');
  document.body.append(probe);
  const choose = (chosen: string) => {
    probe.className = `mask-colour ${chosen}`;
    read();
  };
  const read = () => {
    const [red = 0, green = 0, blue = 0] =
      getComputedStyle(probe)
        .color.match(/[\d.]+/g)
        ?.map(Number) ?? [];
    tell([red, green, blue]);
  };
  new MutationObserver(read).observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-id'] });
  choose(name);
  return choose;
}
