d=$(printf 'long%.0s' $(seq 1 40)); mkdir -p $d/$d && echo x > $d/$d/$d && ln -s $d/$d $d/link
