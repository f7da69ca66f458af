import { test } from 'node:test';
import type { Workbench } from './harness.ts';

/** Makes tests that are steps of one story: when one fails, those after it have nothing to build on. */
export function storyIn(workbench: () => Workbench): (name: string, body: () => Promise<void>) => void {
  let failed = false;
  return (name, body) => {
    test(name, async (t) => {
      if (failed) return t.skip('an earlier step failed');
      try {
        await body();
      } catch (error) {
        failed = true;
        await workbench()
          .screenshot(`failed-${name.replaceAll(/\W+/g, '-')}`)
          .catch(() => {});
        throw error;
      }
    });
  };
}
