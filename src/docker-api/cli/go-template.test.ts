import { expect, it } from "vitest";
import { renderTemplate } from "./go-template.ts";

const object = {
  Id: "sha256:1",
  State: { Running: true, ExitCode: 0 },
  Config: { Env: ["A=1", "B=2"], Labels: { "com.x": "y", b: "c" }, Cmd: null },
  Mounts: [],
};

it.each([
  ["{{.Id}} {{.State.Running}} {{.State.ExitCode}}", "sha256:1 true 0"],
  ["{{.ID}}", "sha256:1"],
  [
    "{{json .Config.Env}} {{.Config.Env}} {{.Config.Labels}} {{.Config.Cmd}}",
    '["A=1","B=2"] [A=1 B=2] map[b:c com.x:y] <no value>',
  ],
  ['{{index .Config.Labels "com.x"}} {{index .Config.Env 1}} {{len .Config.Env}}', "y B=2 2"],
  ["{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n"],
  ["{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "b=c;com.x=y;"],
  ["{{range .Mounts}}x{{else}}none{{end}}", "none"],
  ['{{if and .State.Running (eq .State.ExitCode 0)}}up{{else}}down{{end}} {{join .Config.Env ","}}', "up A=1,B=2"],
  ['{{with .State}}{{.ExitCode}}{{end}}\\t{{.Id | printf "%s!" | upper}}', "0\tSHA256:1!"],
  ["{{- .Id -}}  x", "sha256:1x"],
])("renders %s", (template, text) => expect(renderTemplate(template, object)).toBe(text));

it("says which field or function is not there", () => {
  expect(() => renderTemplate("{{.Nope}}", object)).toThrow('executing "" at <.Nope>: map has no entry for key "Nope"');
  expect(() => renderTemplate("{{nope .Id}}", object)).toThrow(
    'template parsing error: template: :1: function "nope" not defined',
  );
  expect(() => renderTemplate("{{.Id", object)).toThrow("template parsing error: template: :1: unclosed action");
});
