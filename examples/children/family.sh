# Starts two children and a grandchild that has left the process group, and forgets about all of them.
sleep 100000 &
echo "child $!"
setsid sh -c 'sleep 100000 & echo "grandchild $!"; wait' &
echo "child $!, in a session of its own"
echo "parent $$ waits"
wait
