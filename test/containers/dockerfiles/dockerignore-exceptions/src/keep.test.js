keep.test.js
