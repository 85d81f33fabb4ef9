// The published description of the API, and whether an answer is as it says.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The text of a segment of a path; one that is not UTF-8 stays as it came. */
function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const variable = (segment) => segment.startsWith('{');

/** Whether a path of segments goes to a template. */
function fits(template, segments) {
  return (
    template.length === segments.length &&
    template.every((wanted, at) => (variable(wanted) ? segments[at] !== '' : wanted === decoded(segments[at])))
  );
}

/** An OpenAPI 3.1 document, compiled as its operations are met. */
export class Document {
  #ajv = new Ajv({ strict: false, allErrors: true });
  #validators = new Map();
  #operations;

  constructor(value) {
    addFormats(this.#ajv);
    this.#ajv.addSchema(value, 'document');
    this.value = value;
    this.#operations = Object.entries(value.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => ({
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        segments: path.split('/'),
        responses: item[method].responses,
        at: `#/paths/${pointer(path)}/${method}/responses`,
      })),
    );
    this.#operations.sort((a, b) => a.segments.filter(variable).length - b.segments.filter(variable).length);
  }

  /** The document of the npm package. */
  static published() {
    const path = createRequire(import.meta.url).resolve('@workos/openapi-spec/spec');
    return new Document(parse(readFileSync(path, 'utf8'), { maxAliasCount: -1 }));
  }

  /** Names of all operations, such as `GET /authorization/roles`. */
  get operations() {
    return this.#operations.map((operation) => operation.name);
  }

  /** The operation that a request goes to. */
  find(method, path) {
    const segments = path.split('?')[0].split('/');
    return this.#operations.find((one) => one.method === method && fits(one.segments, segments))?.name;
  }

  /** What is wrong with an answer of an operation: the place in the body, the keyword that fails, and why. */
  problems(name, { status, contentType, body }) {
    const operation = this.#operations.find((one) => one.name === name);
    const at = `${operation.at}/${status}`;
    const response = this.#resolved(operation.responses[status], at);
    if (!response) return [{ at: '', keyword: 'status', why: `${status} is not a status of this operation` }];
    const [media] = Object.keys(response.value.content ?? {});
    if (!media) {
      return body === '' ? [] : [{ at: '', keyword: 'content', why: 'a body where there is none in the document' }];
    }
    if (!contentType?.startsWith(media)) {
      return [{ at: '', keyword: 'content', why: `the type of the body is ${contentType}, not ${media}` }];
    }
    if (!media.includes('json')) return [];
    const validate = this.#validator(`${response.at}/content/${pointer(media)}/schema`);
    if (validate(JSON.parse(body))) return [];
    return validate.errors.map((error) => ({
      at: error.instancePath.replace(/\/\d+(?=\/|$)/g, '/*'),
      keyword: error.keyword,
      why: `${error.message} ${JSON.stringify(error.params)}`,
    }));
  }

  #resolved(value, at) {
    if (!value?.$ref) return value && { value, at };
    const target = value.$ref.slice(2).split('/').reduce((node, key) => node[key], this.value);
    return { value: target, at: value.$ref };
  }

  #validator(at) {
    if (!this.#validators.has(at)) this.#validators.set(at, this.#ajv.compile({ $ref: `document${at}` }));
    return this.#validators.get(at);
  }
}

/** A key as a segment of a JSON pointer in a URI. */
function pointer(key) {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
}
