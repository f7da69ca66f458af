import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  Tooltip,
} from 'chart.js';
import { onThemeChange, readTheme, type Theme } from './theme.ts';

Chart.register(
  BarController,
  BarElement,
  CategoryScale,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  Tooltip,
);

export type Draw = (theme: Theme) => ChartConfiguration;

/** `<patchwork-chart>`: a chart in the theme's colours. A table beside it has the same data. */
class ChartElement extends HTMLElement {
  readonly #canvas = document.createElement('canvas');
  #chart: Chart | undefined;
  #draw: Draw | undefined;
  #observer: MutationObserver | undefined;

  set draw(draw: Draw) {
    this.#draw = draw;
    this.#redraw();
  }

  /** Height of the drawing, in pixels. */
  set size(pixels: number) {
    this.style.height = `${pixels}px`;
  }

  connectedCallback(): void {
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', this.getAttribute('label') ?? '');
    this.append(this.#canvas);
    this.#observer = onThemeChange(() => this.#redraw());
    this.#redraw();
  }

  disconnectedCallback(): void {
    this.#observer?.disconnect();
    this.#chart?.destroy();
    this.#chart = undefined;
  }

  #redraw(): void {
    if (!this.#draw || !this.isConnected) return;
    const theme = readTheme();
    const { type, data, options, plugins } = this.#draw(theme);
    this.#chart?.destroy();
    this.#chart = new Chart(this.#canvas, {
      type,
      data,
      plugins,
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        color: theme.foreground,
        borderColor: theme.lines,
        font: { family: theme.font, size: theme.fontSize },
        ...options,
      },
    } as ChartConfiguration);
  }
}

customElements.define('patchwork-chart', ChartElement);
