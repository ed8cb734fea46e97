/** Bundler: gems that are not there, do not fit or do not build. Source: https://bundler.io */
import { command } from "../command-fix.ts";
import { quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";

export const bundler = lineReader("bundler", [
  {
    mark: "Could not find gem",
    pattern: /^Could not find gem '([^']+)'(.*)$/,
    kind: "dependency-not-found",
    say: ([, name]) => `bundler finds no gem ${quote(name)}`,
  },
  {
    mark: "Could not fetch specs from",
    pattern: /^(?:Bundler::HTTPError )?Could not fetch specs from (\S+)/,
    kind: "network",
    say: ([, url]) => `bundler cannot fetch its index from ${quote(url)}`,
    next: "may the build, or the docker daemon of it, reach that address? in a VPC it needs a NAT gateway; an old ruby may not know its certificate",
  },
  {
    mark: "Could not find ",
    pattern: /^Could not find (\S+(?:, \S+)*) in (?:any of the sources|locally installed gems|cached gems)/,
    kind: "dependency-not-found",
    say: ([, name]) => `the gem ${quote(name)} is not installed`,
    next: "run `bundle install` before, with the same `BUNDLE_PATH` and groups",
  },
  {
    mark: "bundler: command not found",
    pattern: /^bundler: command not found: (\S+)/,
    kind: "command-not-found",
    say: ([, name]) => `no installed gem has the command ${quote(name)}`,
    next: "run `bundle install` before; is its gem in the Gemfile, and in a group that is installed?",
  },
  {
    mark: "Could not locate Gemfile",
    pattern: /^Could not locate Gemfile/,
    kind: "file-not-found",
    say: () => "there is no Gemfile in the folder of the command, nor above it",
  },
  {
    mark: "deployment mode after changing",
    pattern:
      /^(?:You are trying to install in deployment mode after changing|The gemspecs? for|The dependencies in your gemfile changed, but the lockfile can't be updated)/,
    kind: "lock-out-of-date",
    say: () => "Gemfile.lock does not fit the Gemfile",
    below: /^You have (?:added|deleted|changed)|^\* /,
    fix: () => command("refresh the lock file and commit it", "bundle install", "git add Gemfile.lock"),
  },
  {
    mark: "frozen mode is set",
    pattern: /can't be updated because frozen mode is set/,
    kind: "lock-out-of-date",
    say: () => "Gemfile.lock does not fit the Gemfile",
    below: /^You have (?:added|deleted|changed)|^\* /,
    fix: () => command("refresh the lock file and commit it", "bundle install", "git add Gemfile.lock"),
  },
  {
    mark: "Your Ruby version is",
    pattern: /^Your Ruby version is (\S+), but your Gemfile specified (.+)$/,
    kind: "version-mismatch",
    say: ([, has, wanted]) => `the Gemfile wants ruby ${quote(wanted)}, and this is ${quote(has)}`,
    next: "choose it under `phases.install.runtime-versions.ruby`",
  },
  {
    mark: "Failed to build gem native extension",
    pattern: /Gem::Ext::BuildError: ERROR: Failed to build gem native extension/,
    kind: "compile-error",
    say: () => "a gem with native code could not be built",
    below: /^An error occurred while installing|\bcan't find header files|checking for .+ no$|^ERROR: /,
    next: "install what it needs in the install phase (a compiler, headers `…-dev`)",
  },
  {
    mark: "Bundler could not find compatible versions",
    pattern: /^(?:Bundler could not find compatible versions for gem "([^"]+)"|Could not find compatible versions)/,
    kind: "dependency-conflict",
    say: ([, name]) => `bundler cannot fit the gems together${name === undefined ? "" : `: ${quote(name)}`}`,
    below: /^ {2,}\S|^Because /,
  },
  {
    mark: "The bundle currently has",
    pattern: /^Bundler::(\w+): (.+)$/,
    kind: "runtime-error",
    say: ([, , text]) => `bundler failed: ${short(text)}`,
  },
  {
    mark: "You must use Bundler",
    pattern: /You must use Bundler (\S+) or greater with this lockfile/,
    kind: "version-mismatch",
    say: ([, version]) => `Gemfile.lock wants bundler ${quote(version)}`,
    next: ([, version]) => `\`gem install bundler:${version}\` before`,
  },
]);
