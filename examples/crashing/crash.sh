# Works for a second, then fails.
echo "process $$ works for a second"
sleep 1
echo "process $$ fails" >&2
exit 3
