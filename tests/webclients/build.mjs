// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * Generates code from the .proto files and bundles the pages:
 *   build/pb/    protobuf-ts, for Node     build/es/    protoc-gen-es
 *   build/pages/ bundles for browsers
 * protoc is Debian's, the plugins are npm's. Fetches nothing.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'build');
const bin = join(here, 'node_modules/.bin');
const protos = join(here, '../../proto/grpc');
const SOURCES = [
	[protos, ['webrtc_signaling.proto', 'webrtc_signaling_web.proto',
		'health.proto', 'reflection_v1.proto']],
	[join(here, '../grpc'), ['interop.proto']],
];

rmSync(out, { recursive: true, force: true });
for (const folder of ['ts', 'es', 'pb', 'pages'])
	mkdirSync(join(out, folder), { recursive: true });

for (const [folder, files] of SOURCES) {
	execFileSync('protoc', [
		`--plugin=protoc-gen-ts=${join(bin, 'protoc-gen-ts')}`,
		`--plugin=protoc-gen-es=${join(bin, 'protoc-gen-es')}`,
		`--ts_out=${join(out, 'ts')}`,
		'--ts_opt=long_type_number,client_generic',
		`--es_out=${join(out, 'es')}`,
		'--es_opt=target=js,import_extension=js',
		`--proto_path=${folder}`, ...files,
	], { stdio: ['ignore', 'inherit', 'inherit'] });
}

const common = { bundle: true, format: 'esm', logLevel: 'warning' };
const names = SOURCES.flatMap(([, files]) =>
	files.map((f) => f.replace('.proto', '')));
await build({
	...common, platform: 'node', packages: 'external', target: 'node18',
	splitting: true, outdir: join(out, 'pb'), outExtension: { '.js': '.mjs' },
	entryPoints: names.flatMap((n) => n.startsWith('webrtc')
		? [join(out, 'ts', `${n}.ts`), join(out, 'ts', `${n}.client.ts`)]
		: [join(out, 'ts', `${n}.ts`)]),
});
await build({
	...common, platform: 'browser', target: 'es2022',
	outdir: join(out, 'pages'), entryPoints: [join(here, 'page/clients.mjs')],
});
copyFileSync(join(here, 'page/index.html'), join(out, 'pages/index.html'));
