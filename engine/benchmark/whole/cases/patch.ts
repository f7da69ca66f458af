import { drawing } from './generate.ts';

/** Bands of the image on several workers, which read each other's features of the previous step. */
export const patch = drawing({ name: 'patch', shared: true }, { split: 'bands' });

/** The same, but the guidance branches are split over workers first. */
export const branches = drawing({ name: 'branches', shared: true });

/** Bands that never exchange features: the baseline for displaced bands. */
export const naive = drawing({ name: 'naive', shared: true }, { mode: 'naive', split: 'bands', warmUp: 0 });
