/** The theme's colours for charts, which are drawn on a canvas and cannot use CSS variables. */
export interface Theme {
  foreground: string;
  muted: string;
  lines: string;
  background: string;
  font: string;
  fontSize: number;
  /** Also distinguishable without seeing red and green, in this order; see `seriesColour` for more. */
  series: string[];
  highContrast: boolean;
  /** Whether the background is light. */
  light: boolean;
}

// Not orange: themes make it a transparent highlight.
const SERIES = ['blue', 'yellow', 'purple', 'green', 'red', 'foreground'];

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const colour = (name: string, fallback: string) =>
    style.getPropertyValue(`--vscode-${name}`).trim() || fallback;
  const foreground = colour('foreground', 'CanvasText');
  return {
    foreground,
    muted: colour('descriptionForeground', foreground),
    lines: colour('editorIndentGuide-background1', colour('charts-lines', foreground)),
    background: colour('editor-background', 'Canvas'),
    font: colour('font-family', 'sans-serif'),
    fontSize: Number.parseFloat(style.fontSize) || 13,
    series: SERIES.map((name) => colour(`charts-${name}`, foreground)),
    light: document.body.matches('.vscode-light, .vscode-high-contrast-light'),
    highContrast: document.body.matches('.vscode-high-contrast, .vscode-high-contrast-light'),
  };
}

/** Degrees between hues that follow one another without coming close to an earlier one: the golden angle. */
const HUE_STEP = 137.508;

/** The colour of a chart's n-th series: the theme's own, and beyond them others, none of them twice. */
export function seriesColour(index: number, { series, light }: Pick<Theme, 'series' | 'light'>): string {
  const own = series[index];
  if (own !== undefined) return own;
  const hue = ((index - series.length) * HUE_STEP + 30) % 360;
  return `hsl(${hue.toFixed(1)}, 55%, ${light ? 38 : 68}%)`;
}

/** Calls `changed` when the user has chosen another theme. */
export function onThemeChange(changed: () => void): MutationObserver {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  return observer;
}
