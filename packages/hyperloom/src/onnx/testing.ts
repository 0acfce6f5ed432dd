import { execFileSync, spawnSync } from 'node:child_process';

const python = '/usr/bin/python3';
const version = spawnSync(python, ['-c', 'import onnx; print(onnx.__version__)'], { encoding: 'utf8' });

/** Why ONNX's own checker cannot be asked here; undefined where it can. */
export const noChecker: string | undefined =
  version.status === 0 ? undefined : `${python} with the package onnx is not there`;

const script = `
import sys, onnx
for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    except Exception as error:
        print(path, str(error).splitlines()[0])
`;

/** What ONNX's checker, shape inference included, has against files: one line each. */
export const complaints = (paths: readonly string[]): string =>
  execFileSync(python, ['-c', script, ...paths], { encoding: 'utf8' });
