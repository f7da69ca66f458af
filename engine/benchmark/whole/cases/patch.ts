import { drawing } from './generate.ts';

/** Bands of the picture on several workers, which see each other as they were one step before. */
export const patch = drawing({ name: 'patch', shared: true }, { split: 'bands' });

/** The same, with the branches of guidance on workers of their own first. */
export const branches = drawing({ name: 'branches', shared: true });

/** Bands that never exchange features: the baseline for displaced bands. */
export const naive = drawing({ name: 'naive', shared: true }, { mode: 'naive', split: 'bands', warmUp: 0 });
