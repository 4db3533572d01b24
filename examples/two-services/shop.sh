# Runs only while the store does; svckit sees to that.
echo "the shop is open, the store answers on port 8081"
trap 'echo "the shop closes"; exit 0' TERM
while :; do sleep 1 & wait $!; done
