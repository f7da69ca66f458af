import type { Colour } from './maskLayer.ts';

/** Tells the theme's colour for masks, now and whenever the theme changes. */
export function watchMaskColour(tell: (colour: Colour) => void): void {
  const probe = document.createElement('span');
  probe.className = 'mask-colour';
  document.body.append(probe);
  const read = () => {
    const [red = 0, green = 0, blue = 0] =
      getComputedStyle(probe)
        .color.match(/[\d.]+/g)
        ?.map(Number) ?? [];
    tell([red, green, blue]);
  };
  new MutationObserver(read).observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-id'] });
  read();
}
