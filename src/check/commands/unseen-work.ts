/**
 * Commands whose doings are not seen: a program of the project, a task runner, a script that could not be read. Rules
 * that say "nothing before this does X" stay silent after one.
 */
import type { ShellCommand } from "../shell/shell-model.ts";

/** Programs that do what their own arguments say and nothing else that a rule asks about. */
const known = new Set(
  (
    ": . [ [[ alias amazon-linux-extras apk apt apt-cache apt-get apt-key awk aws base64 basename bc black break bunzip2 bzip2 cargo cat cd cdk cfn-lint " +
    "cfn_nag_scan chmod chown clang clear cmake codebuild-breakpoint codebuild-hash-files column command composer continue cosign cp crane ctest curl " +
    "cut date dd declare df diff dig dirname dnf docker docker-compose dotnet dpkg dpkg-reconfigure du echo egrep env envsubst esbuild eslint exit " +
    "expect export expr false fgrep file find finch flake8 flutter free g++ gcc gem getent git git-secrets go gofmt golangci-lint gpg gradle grep " +
    "groupadd groups gunzip gzip hadolint hash head helm hexdump host hostname hostnamectl hugo id ifconfig install ip isort jar java javac jest jobs " +
    "jq kill killall kubectl kustomize let ln local locale-gen localedef ls lsb_release lsof man md5sum mkdir mkfifo mktemp mocha more mv mvn mypy " +
    "n nc nerdctl netstat nl npm npx nproc nslookup nvm od openssl oras paste patch pgrep php pigz ping pip pip3 pkill pnpm podman popd printenv " +
    "printf prisma ps psql pushd pwd pyenv pylint pytest rbenv read readarray mapfile readlink readonly realpath return rm rmdir rsync ruff rustup " +
    "sam sed select seq serverless service set sh sha1sum sha256sum shellcheck shift shopt shuf skopeo sleep sls snyk sort source split ssh-add " +
    "ssh-agent ssh-keygen ssh-keyscan stat strip su sudo swift sync sysctl systemctl tac tail tar tee terraform test tfenv tflint time timeout tofu " +
    "touch tox tr trap tree trivy true truncate tsc tty type typeset ulimit umask uname uniq unlink unset unxz unzip update-alternatives uptime useradd " +
    "usermod uuidgen vitest wait wc wget whereis which whoami xargs xmllint xz yarn yq yum zcat zip dockerd nohup bash dash docker-credential-ecr-login grype syft"
  ).split(" "),
);

/** May it do anything at all, docker included? */
export function isUnseen(command: ShellCommand): boolean {
  const { name, args } = command;
  if (command.isFollowed) return false;
  if (name === undefined) return !/^"?\$\(/.test(command.nameWord?.source ?? "");
  if (name.includes("/"))
    return !/^\/(usr\/)?(local\/)?s?bin\/[\w.-]+$/.test(name) && !/(^|\/)(gradlew|mvnw)$/.test(name);
  if (name === "eval" || name === "." || name === "source")
    return !/^["']?(\$HOME|~|\/(root|home|etc|opt|usr))/.test(args[0]?.source ?? "");
  if (/^(ba|da|z|k)?sh$/.test(name)) return !args.some(({ text }) => text === "--version");
  if (/^(npm|yarn|pnpm)$/.test(name)) return isUnseenPackageScript(command);
  if (name === "make") {
    const targets = args.filter(({ source }) => !/^-|=/.test(source));
    return targets.length === 0 || targets.some(({ text }) => !harmlessTargets.test(text ?? ""));
  }
  if (/^(mvn|gradle)$/.test(name)) return false;
  return !known.has(name);
}

const harmlessTargets =
  /^(test|tests|unit|unit-?tests?|lint|fmt|format|vet|clean|deps|dependencies|check|coverage|tidy|help|version)$/;

/** Scripts of package.json by their names: what has to do with images, registries or releases may do anything. */
function isUnseenPackageScript({ args }: ShellCommand): boolean {
  const [verb, script] = args.filter(({ source }) => !source.startsWith("-")).map(({ text }) => text);
  const isRun = verb === "run" || verb === "run-script" || verb === "workspace" || verb === "workspaces";
  if (verb !== undefined && ownCommands.test(verb)) return false;
  const name = isRun ? script : verb;
  return name === undefined
    ? isRun
    : /docker|image|container|push|publish|release|deploy|login|ecr|ship|bundle|^ci$/i.test(name) ||
        !/^[\w:.-]+$/.test(name);
}

const ownCommands =
  /^(ci|install|i|add|audit|config|cache|version|login|whoami|publish|pack|list|ls|outdated|prune|global|set|update|up|view|info|dlx|exec|link)$/;

/** A program by that name is expected in the image or installed by the build. */
export const isKnownProgram = (name: string): boolean => known.has(name);
