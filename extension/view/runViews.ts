import type { Services } from '../services.ts';
import type { RunViews } from './runView.ts';
import { ImageView } from './view.ts';

/** The Patchwork view, for code that generates images. */
export function runViews(services: () => Services): RunViews {
  return {
    get current() {
      return ImageView.current;
    },
    show: () => ImageView.show(services()),
    count: (change) => ImageView.count(change),
  };
}
