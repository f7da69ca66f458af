import assert from 'node:assert/strict';
import test from 'node:test';
import type { DeviceId } from '../shared/devices.ts';
import { NodeBackend } from './backends/node/backend.ts';
import { createEngine } from './engine.ts';
import type { Program } from './execution/backend.ts';
import { WrappedBackend } from './execution/wrapped-backend.ts';
import { rasterOfMask } from './pictures/mask.ts';
import { centredMask } from './regions/mask.ts';

/** The processor as a GPU, which counts the runs of networks. */
class CountingGpu extends WrappedBackend {
  runs = 0;

  override get device(): DeviceId {
    return 'webgpu';
  }

  protected async loaded(load: () => Promise<Program>): Promise<Program> {
    const program = await load();
    return {
      run: (...given) => this.#counted(() => program.run(...given)),
      runKept: (...given) => this.#counted(() => program.runKept(...given)),
      release: () => program.release(),
    };
  }

  #counted<Result>(run: () => Promise<Result>): Promise<Result> {
    this.runs++;
    return run();
  }
}

test('a GPU computes nothing for a call that has ended, after which it may be another process’s', async () => {
  const gpu = new CountingGpu(new NodeBackend());
  const engine = createEngine(gpu);
  try {
    const size = { width: 64, height: 64, steps: 2, previews: false } as const;
    const { picture } = await engine.generate({ prompt: 'a house', seed: 1, ...size });
    const edit = (image: Uint8Array) =>
      engine.edit({
        prompt: 'a boat',
        image,
        mask: rasterOfMask(centredMask(64, 64, 0.1)),
        mode: 'sparse',
        steps: 2,
        previews: false,
      });
    const first = await edit(picture.png);
    assert.ok(first.recordedSteps > 0);
    const { runs } = gpu;
    // Waits for what a call has left.
    await engine.store();
    assert.equal(gpu.runs, runs);
    assert.equal((await edit(first.picture.png)).recordedSteps, 0, 'the edited image was remembered');
    await engine.prepareEdit({ image: picture.png, steps: 2 });
    const prepared = gpu.runs;
    await engine.store();
    assert.equal(gpu.runs, prepared);
  } finally {
    await engine.dispose();
  }
});
