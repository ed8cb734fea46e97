routes.js
