import { describe, expect, it } from "vitest";
import { check } from "../check.ts";
import { dockerBuild } from "../docker/docker-build.ts";
import type { CheckContext, Rule } from "../rule.ts";
import { rules } from "../rules/index.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { createMemoryWorkspace } from "../tree/memory-workspace.ts";
import { pathUsesOf } from "./path-uses.ts";

/** The one command of a buildspec, as rules are given it. */
function commandOf(text: string): ShellCommand {
  let found: ShellCommand | undefined;
  const spy: Rule = {
    id: "test/spy",
    severity: "info",
    title: "",
    source: "",
    run: ({ shell }: CheckContext) => {
      found = shell.commands.at(-1);
      return [];
    },
  };
  (rules as Rule[]).push(spy);
  try {
    const yaml = JSON.stringify({ version: 0.2, phases: { build: { commands: [text] } } });
    check({ workspace: createMemoryWorkspace(["buildspec.yml"]), text: yaml });
  } finally {
    (rules as Rule[]).pop();
  }
  if (!found) throw new Error(`no command in ${text}`);
  return found;
}

const pathsOf = (text: string) => pathUsesOf(commandOf(text)).map(({ path, kind }) => `${kind} ${path}`);

describe("which words name a path that must be there", () => {
  it.each<[string, string[]]>([
    ["cd app", ["directory app"]],
    ["cd -", []],
    ["pushd +1", []],
    ["pip install -rrequirements.txt -c=constraints.txt", ["file requirements.txt", "file constraints.txt"]],
    ["pip install --upgrade --force-reinstall .", ["any ."]],
    ["pip install -e ./library[dev] requests==2", ["directory ./library"]],
    ["python -m pip install -r a.txt", ["file a.txt"]],
    ["python -m pytest tests/unit::TestA -k x", ["any tests/unit"]],
    ["pytest --rootdir tests/x", []],
    ["python manage.py migrate", ["any manage.py"]],
    ["python - < script.py", ["file script.py"]],
    ["bash -ex build.sh", ["file build.sh"]],
    ["cat a.txt - b.txt", ["file a.txt", "file b.txt"]],
    ["head -n 5 a.txt", ["file a.txt"]],
    ["tail -20 a.txt", ["file a.txt"]],
    ["cp -r a/. b /dest/", ["any a/.", "any b"]],
    ["cp -t /dest a b", ["any a", "any b"]],
    ["cp conf/*.json /dest", ["any conf/*.json"]],
    ["cp '{a}' \"$X\" /dest", []],
    ["install -d /usr/local/x", []],
    ["tar czf out.tgz a b", ["any a", "any b"]],
    ["tar xzf in.tgz -C /tmp", []],
    ["tar -xzf in.tgz", ["file in.tgz"]],
    ["zip -r out.zip src -x '*.pyc'", ["any src"]],
    ["zip -r out.zip a b", []],
    ["unzip -q a.zip -d out", ["file a.zip"]],
    ["kubectl apply -f a.yaml -f=b.yaml -n x", ["any a.yaml", "any b.yaml"]],
    ["kubectl logs -f pod", []],
    ["helm upgrade --install web ./chart -f values.yaml", ["file values.yaml", "any ./chart"]],
    ["helm install web bitnami/nginx", []],
    ["terraform -chdir=infra plan -var-file=a.tfvars", ["directory infra"]],
    ["terraform plan -var-file=a.tfvars", ["file a.tfvars"]],
    ["aws s3 sync dist s3://bucket --delete", ["directory dist"]],
    ["aws s3 cp a.zip s3://bucket/", ["any a.zip"]],
    ["aws s3 cp s3://bucket/a.zip .", []],
    ["aws s3 cp --cache-control no-cache a.zip s3://bucket/", []],
    ["aws lambda update-function-code --zip-file fileb://a.zip", ["file a.zip"]],
    ["aws ssm put-parameter --value file:///etc/x", []],
    ["aws cloudformation deploy --template-file a.yml --stack-name x", ["file a.yml"]],
    ["sam build -t a.yaml", ["file a.yaml"]],
    ["sam local start-api -t a.yaml", []],
    ["go test -run TestA -o out ./pkg/... ./cmd", ["any ./pkg", "any ./cmd"]],
    ["go run main.go input.txt", ["any main.go"]],
    ["go build -C sub ./x", []],
    ["go install example.com/x@latest", []],
    ["node --max-old-space-size=1 -r dotenv/config server arg", ["any server"]],
    ["node -e 'x' a", []],
    ["npm --prefix web ci", ["directory web"]],
    ["yarn --cwd web build", ["directory web"]],
    ["mvn -f service/pom.xml -s settings.xml package", ["any service/pom.xml"]],
    ["make -C api -f x.mk", ["directory api"]],
    ["make -f x.mk all", ["file x.mk"]],
    ["dotnet test a/b.csproj --no-build", ["file a/b.csproj"]],
    ["docker compose -f a.yml -f b.yml up -d", ["file a.yml", "file b.yml"]],
    ["docker run --rm --env-file .env image", ["file .env"]],
    ["chmod -R +x scripts a.sh", ["any scripts", "any a.sh"]],
    ["./gradlew -p app build", ["file ./gradlew", "directory app"]],
    ["ansible-playbook -i hosts site.yml", ["file site.yml"]],
    ["sort < names.txt", ["file names.txt"]],
    ["cat https://example.com/x", []],
  ])("%s", (text, expected) => expect(pathsOf(text)).toEqual(expected));
});

describe("docker build", () => {
  const built = (text: string) => dockerBuild(commandOf(text));

  it("takes the context first or last, and knows which options take a value", () => {
    for (const text of [
      "docker build . -t a:b --build-arg A=1 -f x/Dockerfile --target prod",
      "docker build -ta:b --build-arg=A=1 --file=x/Dockerfile --platform linux/amd64 --target=prod --no-cache .",
      "docker buildx build --push --secret id=x --progress plain -f x/Dockerfile --build-arg A=1 --target prod .",
    ]) {
      expect(built(text)).toMatchObject({
        context: { path: "." },
        file: { path: "x/Dockerfile" },
        target: { name: "prod" },
        buildArgs: [{ name: "A", value: "1" }],
        isUncertain: false,
      });
    }
  });

  it("has no local context with `-`, a URL or an unknown word", () => {
    expect(built("docker build - < x")?.context).toBeUndefined();
    expect(built("docker build git@github.com:a/b.git")?.context).toBeUndefined();
    expect(built('docker build -f - "$DIR"')).toMatchObject({ context: undefined, file: { path: undefined } });
    expect(built("docker build $ARGS .")?.isUncertain).toBe(true);
  });

  it("knows the names of build arguments whose value it does not know", () => {
    expect(built('docker build --build-arg A="$B" --build-arg C .')?.buildArgs).toMatchObject([
      { name: "A", value: undefined },
      { name: "C", value: undefined },
    ]);
  });
});
