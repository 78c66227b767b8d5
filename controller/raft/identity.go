package raft

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// idFile holds the id under which a data folder is a voter. The id is part of
// the cluster's configuration, so that it stays when addresses change.
const idFile = "id"

// Identity returns the id that a data folder belongs to, "" for a new one.
func Identity(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, idFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the controller's id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// setIdentity writes the id of a new data folder, and refuses one of another.
func setIdentity(dir, id string) error {
	old, err := Identity(dir)
	switch {
	case err != nil:
		return err
	case old == id:
		return nil
	case old != "":
		return fmt.Errorf("the data folder %s belongs to the controller %q, not %q", dir, old, id)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("raft folder: %w", err)
	}
	return writeSynced(dir, idFile, id+"\n")
}

// writeSynced writes a file so that it is there, whole, after a crash.
func writeSynced(dir, name, content string) error {
	tmp := filepath.Join(dir, name+".tmp")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", tmp, err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
