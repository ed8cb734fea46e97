b.test.js
