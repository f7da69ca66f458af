/** Draws a small image with Scenes on the software GPU and on the processor; prints their PSNR in dB as JSON. */
import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { DeviceBackend } from '../../engine/backends/node/devices/backend.ts';
import { createEngine } from '../../engine/engine.ts';
import { psnr } from '../../engine/pictures/psnr.ts';
import { decodePicture } from '../../engine/pictures/read.ts';

async function pixels(backend: NodeBackend): Promise<Uint8Array> {
  const engine = createEngine(backend);
  try {
    const { picture } = await engine.generate({
      prompt: 'a red house under a blue sky',
      seed: 1,
      steps: 2,
      width: 64,
      height: 64,
      precision: 'fp32',
      previews: false,
    });
    return (await decodePicture(picture.png, 'The image')).pixels;
  } finally {
    await engine.dispose();
  }
}

const gpu = new DeviceBackend('webgpu', { name: 'software', wrong: ['MultiHeadAttention'] });
console.log(JSON.stringify(psnr(await pixels(gpu), await pixels(new NodeBackend(1)))));
