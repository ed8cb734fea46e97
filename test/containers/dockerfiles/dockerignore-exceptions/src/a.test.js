a.test.js
