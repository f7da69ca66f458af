import assert from 'node:assert/strict';
import test from 'node:test';
import sharp from 'sharp';
import { encodePng } from '../png.ts';
import { withPngText } from '../png-text.ts';
import { readRecipeOf } from '../read.ts';
import { readRecipe } from '../recipe.ts';

const png = await encodePng(new Float32Array(3 * 16).fill(0.3), 4, 4);
const inPng = (texts: Record<string, string>) => {
  let file = png;
  for (const [keyword, text] of Object.entries(texts)) file = withPngText(file, keyword, text);
  return readRecipe(file);
};

/** SDXL with a LoRA, the words through a node of conditions, the seed from a node of its own. */
const graph = {
  '3': {
    class_type: 'KSampler',
    inputs: {
      seed: ['20', 0],
      steps: 24,
      cfg: 6.5,
      sampler_name: 'dpmpp_2m',
      scheduler: 'karras',
      denoise: 1,
      model: ['10', 0],
      positive: ['12', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    },
  },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'xl/juggernaut_v9.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 896, height: 1152, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a castle', clip: ['10', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['10', 1] } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['8', 0] } },
  '10': {
    class_type: 'LoraLoader',
    inputs: {
      lora_name: 'detail.safetensors',
      strength_model: 0.7,
      strength_clip: 1,
      model: ['4', 0],
      clip: ['4', 1],
    },
  },
  '12': { class_type: 'ControlNetApply', inputs: { conditioning: ['6', 0], strength: 1 } },
  '20': { class_type: 'PrimitiveInt', inputs: { value: 1102676403634909 } },
};
const comfy = {
  prompt: 'a castle',
  negativePrompt: 'blurry',
  steps: 24,
  scheduler: 'dpmpp-2m-karras',
  guidance: 6.5,
  seed: 1102676403634909,
  width: 896,
  height: 1152,
  model: 'juggernaut_v9',
  loras: [{ lora: 'detail', strength: 0.7 }],
};

test('ComfyUI: the graph that was run', () => {
  const { notes, ...read } = inPng({ prompt: JSON.stringify(graph), workflow: '{}' })!;
  assert.deepEqual(read, comfy);
  assert.match(notes!.join(), /could not be taken over: ControlNet/);
  assert.equal(inPng({ prompt: '{"1": {"class_type": "Note", "inputs": {}}}' }), undefined);
});

test('ComfyUI: seeds of 64 bits are read exactly, and what is beyond 53 bits is said', () => {
  const text = JSON.stringify(graph).replace('1102676403634909', '18446744073709551615');
  const { seed, notes } = inPng({ prompt: text })!;
  assert.equal(seed, 2 ** 53 - 1);
  assert.match(notes!.join(), /18446744073709551615 is beyond/);
});

test('ComfyUI: circles of links end', () => {
  const circle = structuredClone(graph) as Record<
    string,
    { class_type: string; inputs: Record<string, unknown> }
  >;
  circle['6'] = { class_type: 'Combine', inputs: { conditioning_1: ['12', 0], conditioning_2: ['6', 0] } };
  circle['20'] = { class_type: 'Reroute', inputs: { value: ['20', 0] } };
  circle['10']!.inputs.model = ['10', 0];
  const read = inPng({ prompt: JSON.stringify(circle) })!;
  assert.equal(read.steps, 24);
  assert.equal(read.seed, undefined);
});

test('ComfyUI: a saved graph alone', () => {
  const workflow = {
    nodes: [
      {
        id: 3,
        type: 'KSampler',
        widgets_values: [5, 'randomize', 20, 8, 'euler', 'normal', 1],
        inputs: [
          { name: 'model', link: 1 },
          { name: 'positive', link: 4 },
          { name: 'negative', link: 6 },
          { name: 'latent_image', link: 2 },
        ],
      },
      { id: 4, type: 'CheckpointLoaderSimple', widgets_values: ['v1-5.safetensors'] },
      { id: 5, type: 'EmptyLatentImage', widgets_values: [512, 768, 1] },
      { id: 6, type: 'CLIPTextEncode', widgets_values: ['a boat'], inputs: [] },
      { id: 7, type: 'CLIPTextEncode', widgets_values: ['text'], inputs: [] },
    ],
    links: [
      [1, 4, 0, 3, 0, 'MODEL'],
      [2, 5, 0, 3, 3, 'LATENT'],
      [4, 6, 0, 3, 1, 'CONDITIONING'],
      [6, 7, 0, 3, 2, 'CONDITIONING'],
    ],
  };
  assert.deepEqual(inPng({ workflow: JSON.stringify(workflow) }), {
    prompt: 'a boat',
    negativePrompt: 'text',
    steps: 20,
    scheduler: 'euler',
    guidance: 8,
    seed: 5,
    width: 512,
    height: 768,
    model: 'v1-5',
  });
});

test('ComfyUI: a sampler that is put together of nodes', () => {
  const { '3': sampler, ...rest } = graph;
  const { sampler_name, scheduler: _, denoise: __, steps, seed, ...inputs } = sampler.inputs;
  const custom = {
    ...rest,
    '3': {
      class_type: 'SamplerCustom',
      inputs: { ...inputs, noise_seed: seed, sampler: ['30', 0], sigmas: ['31', 0] },
    },
    '30': { class_type: 'KSamplerSelect', inputs: { sampler_name } },
    '31': { class_type: 'AlignYourStepsScheduler', inputs: { model_type: 'SDXL', steps, denoise: 1 } },
  };
  const { notes: ___, ...read } = inPng({ prompt: JSON.stringify(custom) })!;
  assert.deepEqual(read, { ...comfy, scheduler: 'dpmpp-2m', sigmas: 'ays' });
});

test('InvokeAI, new and old', () => {
  const metadata = {
    app_version: '5.4.2',
    positive_prompt: 'a lighthouse',
    negative_prompt: 'fog',
    width: 1024,
    height: 768,
    seed: 3042417293,
    cfg_scale: 5.5,
    steps: 30,
    scheduler: 'dpmpp_2m_k',
    model: { name: 'Juggernaut XL v9', base: 'sdxl', type: 'main' },
    loras: [{ model: { name: 'pixel-art' }, weight: 0.75 }],
    controlnets: [{}],
  };
  const { notes, ...read } = inPng({ invokeai_metadata: JSON.stringify(metadata) })!;
  assert.deepEqual(read, {
    prompt: 'a lighthouse',
    negativePrompt: 'fog',
    steps: 30,
    scheduler: 'dpmpp-2m-karras',
    guidance: 5.5,
    seed: 3042417293,
    width: 1024,
    height: 768,
    model: 'Juggernaut XL v9',
    loras: [{ lora: 'pixel-art', strength: 0.75 }],
  });
  assert.match(notes!.join(), /ControlNet: 1/);
  const old = {
    model_weights: 'stable-diffusion-1.5',
    image: {
      prompt: [{ prompt: 'a cat [blurry]', weight: 1 }],
      steps: 50,
      cfg_scale: 7.5,
      width: 512,
      height: 512,
      seed: 42,
      sampler: 'k_euler_a',
    },
  };
  const { prompt, negativePrompt, scheduler, seed } = inPng({ 'sd-metadata': JSON.stringify(old) })!;
  assert.deepEqual([prompt, negativePrompt, scheduler, seed], ['a cat', 'blurry', 'euler-a', 42]);
});

test('NovelAI', () => {
  const comment = {
    prompt: 'a girl in a garden',
    steps: 28,
    height: 1216,
    width: 832,
    scale: 5,
    seed: 2913844132,
    sampler: 'k_euler_ancestral',
    noise_schedule: 'karras',
    uc: 'lowres',
  };
  const read = inPng({ Software: 'NovelAI', Comment: JSON.stringify(comment), Description: 'other' })!;
  assert.equal(read.prompt, 'a girl in a garden');
  assert.equal(read.negativePrompt, 'lowres');
  assert.deepEqual(
    [read.steps, read.seed, read.width, read.height, read.guidance],
    [28, 2913844132, 832, 1216, 5],
  );
  assert.equal(read.scheduler, 'euler-a');
  assert.equal(inPng({ Comment: 'Created with GIMP' }), undefined);
});

test('Draw Things: JSON in XMP', () => {
  const json =
    '{"c":"a &amp; b, a red car","uc":"bad","steps":20,"scale":7,"seed":4026539441,"size":"768x512","sampler":"DPM++ 2M Karras","model":"sd_v1.5_f16.ckpt","strength":1,"lora":[{"model":"x_f16.ckpt","weight":0.6}]}';
  const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description>
    <exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">${json.replaceAll('"', '&quot;')}</rdf:li></rdf:Alt></exif:UserComment>
    </rdf:Description></rdf:RDF></x:xmpmeta>`;
  assert.deepEqual(inPng({ 'XML:com.adobe.xmp': xmp }), {
    prompt: 'a & b, a red car',
    negativePrompt: 'bad',
    steps: 20,
    scheduler: 'dpmpp-2m-karras',
    guidance: 7,
    seed: 4026539441,
    width: 768,
    height: 512,
    model: 'sd_v1.5_f16.ckpt',
    loras: [{ lora: 'x_f16', strength: 0.6 }],
  });
});

for (const format of ['jpeg', 'webp'] as const)
  test(`${format}: ComfyUI's graph in EXIF`, async () => {
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background: '#48c' } }).withExif({
      IFD0: { Make: `workflow:{}`, Model: `prompt:${JSON.stringify(graph)}` },
    });
    const file = await (format === 'jpeg' ? image.jpeg() : image.webp()).toBuffer();
    const { notes: _, ...read } = (await readRecipeOf(file, 'a file'))!;
    assert.deepEqual(read, comfy);
  });
