import type { Page } from 'playwright-core';
import type { EditRequest, EditResult, Engine, GenerateRequest } from '../../shared/api.ts';

export type Called = Pick<EditResult, 'recipe' | 'mode' | 'activeFraction' | 'workers' | 'warnings'> & {
  png: Uint8Array;
  /** Between the call and its answer, in the page. */
  seconds: number;
};

/** A call of the engine that `page.ts` has put into a page; bytes travel as lists. */
export async function callIn(
  page: Page,
  name: 'generate' | 'edit',
  request: GenerateRequest & Partial<EditRequest>,
): Promise<Called> {
  const files = Object.entries(request).filter(([, value]) => value instanceof Uint8Array);
  const lists = Object.fromEntries(files.map(([key, bytes]) => [key, [...bytes]]));
  const { png, ...rest } = await page.evaluate(
    async ({ name, request, lists }) => {
      const { engine } = globalThis as unknown as { engine: Engine };
      const given = Object.fromEntries(
        Object.entries(lists).map(([key, list]) => [key, Uint8Array.from(list)]),
      );
      const begin = performance.now();
      const { recipe, picture, workers, warnings, ...result } = await engine[name]({
        ...request,
        ...given,
      } as never);
      const seconds = (performance.now() - begin) / 1000;
      const { mode, activeFraction } = result as Partial<EditResult>;
      return { recipe, mode, activeFraction, workers, warnings, seconds, png: [...picture.png] };
    },
    { name, request: { ...request, ...Object.fromEntries(files.map(([key]) => [key, null])) }, lists },
  );
  return { ...rest, png: Uint8Array.from(png) } as never;
}

/** A mask: white in a square whose upper left corner is at `from` of the sides, `side` of them long. */
export function squareMask(pixels: number, from: number, side: number): Uint8Array {
  const data = new Uint8Array(pixels * pixels);
  const [first, end] = [Math.round(from * pixels), Math.round((from + side) * pixels)];
  for (let y = first; y < end; y++) data.fill(255, y * pixels + first, y * pixels + end);
  return data;
}
