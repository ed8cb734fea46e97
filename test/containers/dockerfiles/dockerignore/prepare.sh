mkdir -p node_modules/m sub/node_modules && echo x > node_modules/m/x && echo y > sub/node_modules/y
echo a > app.log; echo k > keep.log; echo i > sub/inner.log
