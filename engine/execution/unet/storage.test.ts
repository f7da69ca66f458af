import assert from 'node:assert/strict';
import test from 'node:test';
import { storageOf } from './storage.ts';

const FLOATS = ['float32', 'int32', 'int64'] as const;
const gpu = (...storages: ('float16' | 'uint8')[]) => ({
  operator: (name: string) => name !== 'TensorScatter',
  elements: [...FLOATS, ...storages],
});
const large = { keepsFeatures: true, isSmall: false, precision: 'fp32' } as const;
const small = { ...large, isSmall: true };

test('features on a device are halves, or bytes where memory is short or there are no halves', () => {
  const both = gpu('float16', 'uint8');
  assert.equal(storageOf(both, large), 'float16');
  assert.equal(storageOf(both, { ...large, precision: 'fp16' }), 'float16');
  assert.equal(storageOf(both, { ...large, precision: 'int8' }), 'uint8');
  assert.equal(storageOf(gpu('uint8'), large), 'uint8');
  assert.equal(storageOf(gpu('float16'), { ...large, precision: 'int4' }), 'float16');
  assert.equal(storageOf(gpu(), large), 'float32');
});

test('features of a small U-Net are never bytes', () => {
  assert.equal(storageOf(gpu('float16', 'uint8'), { ...small, precision: 'int8' }), 'float16');
  assert.equal(storageOf(gpu('uint8'), small), 'float32');
});

test('in main memory they are bytes where these can be written into place', () => {
  const processor = { operator: () => true, elements: FLOATS };
  assert.equal(storageOf(processor, { ...large, keepsFeatures: false }), 'int8');
  assert.equal(storageOf(processor, { ...small, keepsFeatures: false }), 'float32');
  assert.equal(storageOf(gpu(), { ...large, keepsFeatures: false }), 'float32');
});
