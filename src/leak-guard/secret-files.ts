/** Files that may hold a secret, by their names: what is worth reading where a whole tree is not. */

/** Of the last part of a path: on whole paths it would be tried at each of their letters, and a tree has thousands. */
const USUAL_NAME =
  /^(?:\.env(?:\.[\w.-]+)?|[\w.-]*\.env|\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|[._]netrc|\.git-credentials|\.dockercfg|settings\.xml|nuget\.config|id_(?:rsa|dsa|ecdsa|ed25519)|[\w.-]+\.(?:pem|key|tfvars|dockerfile)|(?:Docker|Container)file[\w.-]*|(?:docker-)?compose[\w.-]*\.ya?ml|[\w.-]*service-?account[\w.-]*\.json|appsettings[\w.-]*\.json|application[\w-]*\.(?:ya?ml|properties))$/i;
const USUAL_PLACE = /(?:^|\/)\.(?:docker\/config\.json|aws\/credentials)$/i;
const MADE_UP =
  /(?:^|\/)(?:tests?|__tests__|specs?|fixtures?|testdata|test-data|mocks?|examples?|samples?|docs?|node_modules|vendor|third_party|\.git)\/|(?:\.lock|-lock\.(?:json|ya?ml)|\.sum|\.min\.js|\.map|\.svg|\.snap|\.ipynb)$|(?:^|[._-])(?:example|sample|template|tmpl|dist|default|test)(?:$|\.)/i;
/** Of a base image: what distributions and packages bring, with keys for tests and for this machine only. */
const SYSTEM =
  /^(?:usr|var|lib\d*|bin|sbin|proc|sys|etc\/ssl)\/|(?:^|\/)(?:site-packages|dist-packages|gems|\.cargo|\.npm|\.cache)\//;

/** Settings and credentials. */
export const isSecretsFile = (path: string): boolean =>
  USUAL_NAME.test(path.slice(path.lastIndexOf("/") + 1)) || USUAL_PLACE.test(path);

/** Made by tools, or made up for tests and documents. */
export const isMadeUp = (path: string): boolean => MADE_UP.test(path);

/** Of an image: not the application's. */
export const isSystemFile = (path: string): boolean => SYSTEM.test(path);
